#pragma once

// A small REDCap project as REDCap exports it.

#include <string>

namespace consilium {

inline constexpr const char* kRedcapHeadings =
    "\"Variable / Field Name\",\"Form Name\",\"Section Header\",\"Field Type\",\"Field Label\","
    "\"Choices, Calculations, OR Slider Labels\",\"Field Note\","
    "\"Text Validation Type OR Show Slider Number\",\"Text Validation Min\",\"Text Validation "
    "Max\",Identifier?,\"Branching Logic (Show field only if...)\",\"Required Field?\"\n";

inline std::string RedcapProjectDictionary() {
  return std::string("\xEF\xBB\xBF") + kRedcapHeadings +
         "record_id,demographics,,text,\"Study ID\",,,,,,,,\n"
         "mrn,demographics,,text,\"Record number\",,,,,,y,,\n"
         "born,demographics,,text,\"Date of birth\",,,date_dmy,,,y,,y\n"
         "sex,demographics,,radio,Sex,\"1, Male | 2, Female | 9, Unknown, not asked\",,,,,,,\n"
         "race,demographics,,checkbox,Race,\"1, Asian | 2, Black | -1, Other\",,,,,,,\n"
         "smoker,demographics,,yesno,Smoker,,,,,,,,\n"
         "consent,demographics,,truefalse,\"Has <b>signed</b>, here\",,,,,,,,\n"
         "height,demographics,\"Body, and more\",text,\"Height, in cm\",,cm,number,130,215,,,\n"
         "weight,demographics,,text,Weight,,kg,number_1dp_comma_decimal,\"35,0\",\"200,0\",,,\n"
         "bmi,demographics,,calc,BMI,\"round([weight]/([height]/100)^2, 1)\",,,,,,,\n"
         "seen,demographics,,text,\"Seen at\",,,datetime_dmy,,,,,\n"
         "notes,demographics,,notes,Notes,,,,,,,,\n"
         "lab_date,labs,,text,\"Drawn on\",,,date_mdy,,,,,\n"
         "hba1c,labs,,text,HbA1c,,,number,3,20,,\"[sex] = '1'\",\n"
         "nyha,visit,,dropdown,NYHA,\"1, I | 2, II | 3, III | 4, IV\",,,,,,,\n";
}

}  // namespace consilium
